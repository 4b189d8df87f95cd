/** What every REST call shares: who may call, how much, and how an error looks. */
export { actions, type Action } from './actions.js';
export { AuthGuard } from './auth.guard.js';
export { Callers } from './callers.js';
export { door } from './door.js';
export { FaultLog, ProblemFilter, refuseUnrouted } from './problem.filter.js';
export { routesOf, RouteTable } from './routes.js';
export { requestIdOf } from './request-id.js';
export { RestServer, type RestServerSettings } from './server.js';
export { problemDetails } from './problem.js';

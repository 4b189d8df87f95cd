/** What every REST call shares: who may call, and how an error looks. */
export { AuthGuard, HttpAccess } from './auth.guard.js';
export { FaultLog, ProblemFilter, refuseUnrouted } from './problem.filter.js';
export { problemDetails } from './problem.js';

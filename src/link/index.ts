/** The link: one MQTT session, held through whatever happens downstream of it. */
export { causeOfRefusal } from './causes.js';
export { Session } from './session.js';
export type { SessionOptions } from './session-options.js';

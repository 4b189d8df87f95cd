/** The link: one MQTT session, held through whatever happens downstream of it. */
export { causeOfRefusal } from './causes.js';
export { Session, type SessionOptions } from './session.js';

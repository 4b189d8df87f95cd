/** The link: one MQTT session, held through whatever happens downstream of it. */
export { Session, type SessionOptions } from './session.js';

/** The link: one MQTT session, held through whatever happens downstream of it. */
export { Session, type LinkEvent, type LinkPhase, type LinkStatus, type SessionOptions } from './session.js';
export type { IntakeCounters } from './intake.js';
export { packetOf } from './relay.js';

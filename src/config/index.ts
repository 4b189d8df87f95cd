/** The door of this room: one YAML file becomes settings, or the list of everything that is wrong with it. */
export { ConfigWatch } from './config-watch.js';
export { CredentialsWatch, type CredentialsObserver } from './credentials-watch.js';
export { handlerSettings } from './handler-extras.js';
export { configSchema, subscriberSchemas } from './json-schema.js';
export { DEFAULT_CONFIG_FILE, loadSettings } from './load.js';
export type { Loaded, Secrets } from './load.js';
export { maskedSettings } from './masked.js';
export { opsAddress } from './ops-address.js';
export { formatProblems, pathText } from './problem.js';
export type { ConfigProblem } from './problem.js';
export { parseSubscriber } from './subscriber-body.js';

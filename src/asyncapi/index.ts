/** AsyncAPI both ways: a document becomes a configuration, and what is in force becomes a document. */
export { AsyncApiController, AsyncApiView } from './asyncapi.controller.js';
export { describe as describeAsyncApi } from './describe.js';
export { FRAGMENT_FILE, importFile } from './import.js';
export type { Imported } from './import.js';
export type { Perspective } from './operations.js';

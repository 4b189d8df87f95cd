/** The REST surface, described: as an OpenAPI document, and as a page to read. */
export { describe as describeOpenApi, type DescribedRoute, type Surface } from './document.js';
export { ApiDescription, OpenApiController } from './openapi.controller.js';
export { pageOf } from './page.js';

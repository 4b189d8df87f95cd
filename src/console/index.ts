/** What the gateway shows of itself over REST. */
export { GatewayView } from './gateway-view.js';
export { PageController } from './page.controller.js';
export { PageFiles } from './page-files.js';
export { ReadController } from './read.controller.js';
export { ReloadController, Reloader, type ReloadReport } from './reload.controller.js';

/** What the gateway shows of itself over REST. */
export { GatewayView, type SubscriberView } from './gateway-view.js';
export { ReadController } from './read.controller.js';

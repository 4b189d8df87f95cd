/** What the demo needs besides the gateway: a broker, devices, apps, and someone who tells what happens. */
export { Apps } from './apps.js';
export { startBroker } from './broker.js';
export { Devices } from './devices.js';
export { Summary } from './summary.js';

/** What the gateway shows of itself over REST. */
export { Activities } from './activities.js';
export { Asked } from './asked.js';
export { ConfigController } from './config.controller.js';
export { DoctorController } from './doctor.controller.js';
export { Examiner } from './examiner.js';
export { type SubscriberFacts } from './facts.js';
export { findingsOf } from './findings.js';
export { GatewayView } from './gateway-view.js';
export { Incidents } from './incidents.js';
export { LiveController } from './live.controller.js';
export { LiveFeed } from './live.js';
export { PageController } from './page.controller.js';
export { PageFiles } from './page-files.js';
export { RateHistory, SAMPLE_MS, type Sample, type Span } from './rates.js';
export { ReadController } from './read.controller.js';
export { ReloadController, Reloader, type ReloadReport } from './reload.controller.js';
export type {
  Activity,
  ConfigInForce,
  JournalFigures,
  LastReload,
  LinkFigures,
  Rates,
  Seen,
  Status,
  SubscriberSums,
} from './shown/types.js';
export { StatusController } from './status.controller.js';

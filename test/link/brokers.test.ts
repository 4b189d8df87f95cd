/** What brokers do, and what the gateway says of it, where no other test looks; the soak run looks everywhere. */
import { describe } from 'node:test';
import { aedes } from './brokers/aedes.ground.js';
import { examine, SITUATIONS } from './brokers/examine.js';
import { mosquittoAclFile, mosquittoDynamicSecurity } from './brokers/mosquitto.ground.js';
import type { Situation } from './brokers/situation.js';

function named(pattern: RegExp): Situation[] {
  return SITUATIONS.filter(({ name }) => pattern.test(name));
}

describe('causes at brokers', { concurrency: 2 }, () => {
  examine(mosquittoAclFile, '3.1.1', named(/client id is not|publish is/));
  examine(mosquittoDynamicSecurity, '5', named(/password|user is not|administrator|denied|too large/));
  examine(mosquittoDynamicSecurity, '3.1.1', named(/clean sessions|administrator|filter is denied/));
  examine(
    aedes,
    '3.1.1',
    named(/password|not let in|id is not|MQTT 5|one connection|clean|broker (is|forgets)|denied|may/),
  );
});

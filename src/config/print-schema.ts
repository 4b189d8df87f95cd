/** Writes the configuration's JSON Schema to standard output: `npm run config:schema` makes config/gateway.schema.json of it. */
import { configSchema } from './json-schema.js';

process.stdout.write(`${JSON.stringify(configSchema(), null, 2)}\n`);

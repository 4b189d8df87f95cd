/** Schemas of values that occur more than once; `# @schema {$ref: "#/$defs/NAME"}` in values.yaml refers to them. */
const QUANTITY = { type: ['string', 'integer'], pattern: '^[0-9]+(\\.[0-9]+)?(m|k|Ki|M|Mi|G|Gi|T|Ti|P|Pi)?$' };
const NAME = { type: 'string', minLength: 1, maxLength: 253 };
const QUANTITIES = { type: 'object', additionalProperties: QUANTITY };
const AT_LEAST_1 = { type: 'integer', minimum: 1 };
const PROBE = {
  initialDelaySeconds: { type: 'integer', minimum: 0 },
  periodSeconds: AT_LEAST_1,
  timeoutSeconds: AT_LEAST_1,
  failureThreshold: AT_LEAST_1,
};

export const DEFINITIONS = {
  quantity: { type: 'string', pattern: '^[0-9]+(\\.[0-9]+)?(k|Ki|M|Mi|G|Gi|T|Ti|P|Pi)?$' },
  name: { type: 'object', properties: { name: NAME }, required: ['name'], additionalProperties: false },
  named: { type: 'object', properties: { name: NAME }, required: ['name'] },
  resources: {
    type: 'object',
    properties: {
      requests: QUANTITIES,
      limits: QUANTITIES,
      claims: { type: 'array', items: { type: 'object' } },
    },
    additionalProperties: false,
  },
  probe: { type: 'object', properties: PROBE, additionalProperties: false },
  /** Of a probe that ends the container when it fails. */
  endingProbe: {
    type: 'object',
    properties: { ...PROBE, terminationGracePeriodSeconds: AT_LEAST_1 },
    additionalProperties: false,
  },
  scrapeTime: { type: 'string', pattern: '^([0-9]+(ms|s|m|h))*$' },
};

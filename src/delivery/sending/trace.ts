const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;
const TRACESTATE = /^[!-~](?:[ -~]{0,510}[!-~])?$/;

/** A W3C trace context that the publisher put into its user properties; a malformed one is not passed on. */
export function traceOf(
  userProperties: readonly (readonly [string, string])[],
): { parent: string; state: string | undefined } | undefined {
  let parent: string | undefined;
  let state: string | undefined;
  for (const [name, value] of userProperties) {
    if (name === 'traceparent') parent ??= value;
    else if (name === 'tracestate') state ??= value;
  }
  if (parent === undefined || !TRACEPARENT.test(parent)) return undefined;
  return { parent, state: state !== undefined && TRACESTATE.test(state) ? state : undefined };
}

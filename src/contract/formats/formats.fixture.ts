import type { MessageProperties } from '../../domain/message.js';
import { loadDecoder, type DecoderSettings } from './decoder.js';

/** What a payload is decoded to: its value, or `reason: message`. */
export type Read = (payload: string | Uint8Array, properties?: MessageProperties) => Promise<unknown>;

export function reading(settings: DecoderSettings): Read {
  const decoder = loadDecoder(settings);
  return async (payload, properties) => {
    const decoded = (await decoder)(typeof payload === 'string' ? Buffer.from(payload) : payload, properties ?? null);
    return decoded.ok ? decoded.value : `${decoded.reason}: ${decoded.problem.message}`;
  };
}

export function hex(text: string): Buffer {
  return Buffer.from(text.replaceAll(' ', ''), 'hex');
}

/** Two files that import one another's kind, as a device's maker would write them. */
export const TELEMETRY_PROTO = `
syntax = "proto3";
package acme;
import "units.proto";
import "google/protobuf/timestamp.proto";
message Telemetry {
  string device_id = 1;
  double temperature = 2;
  uint64 counter = 3;
  optional bool charging = 4;
  State state = 5;
  bytes raw = 6;
  repeated Reading readings = 7;
  map<int32, string> labels = 8;
  google.protobuf.Timestamp at = 9;
  Telemetry inner = 10;
  oneof place { string room = 11; int64 cell = 12; }
  enum State { OFF = 0; ON = 1; }
}
`;
export const UNITS_PROTO = 'syntax = "proto3"; package acme; message Reading { string unit = 1; float value = 2; }';

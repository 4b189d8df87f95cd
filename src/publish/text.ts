/** Text and binary data of an MQTT packet carry their length in two bytes [MQTT 5.0, 1.5.4 and 1.5.6]. */
export const FIELD_BYTES_MAX = 65_535;

/** U+0000, the other control characters and the non-characters. */
const UNSENDABLE = /[\p{Cc}\p{Noncharacter_Code_Point}]/u;

/**
 * Why a broker might end the connection over this text [MQTT 5.0, 1.5.4]; undefined when it will not. It would
 * come back on the next connection, and end that too: so it must not get into the outbox.
 */
export function textProblem(text: string): string | undefined {
  if (!text.isWellFormed()) return 'is not well-formed Unicode';
  if (UNSENDABLE.test(text)) return 'has control characters, which a broker may end the connection for';
  return Buffer.byteLength(text) > FIELD_BYTES_MAX ? `has more than ${FIELD_BYTES_MAX} bytes` : undefined;
}

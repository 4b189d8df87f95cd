/** MQTT topic names and filters [MQTT 5.0, 4.7]. Pure functions. */

/** What a length of two bytes can say [MQTT-4.7.3-3; MQTT 5.0, 1.5.4, 1.5.6]. */
export const TEXT_BYTES_MAX = 65_535;

/** Topics below it come from the gateway itself: never from the broker, and never to it. */
export const OWN_TOPICS = '$holdfast/';
const OWN_PROBLEM = 'topics below $holdfast/ are the gateway’s own';

/** Why `topic` is not a topic name that may be published to; undefined when it is one. */
export function topicNameProblem(topic: string): string | undefined {
  if (topic.length === 0) return 'a topic must have at least one character'; // [MQTT-4.7.3-1]
  if (/[+#]/.test(topic)) return 'a topic to publish to may not contain the wildcards + or #'; // [MQTT-3.3.2-2]
  return ownProblem(topic) ?? textProblem(topic);
}

/** Why `filter`, of the broker's topics, would bring the gateway's own; undefined when it does not. */
export function ownProblem(filter: string): string | undefined {
  return filtersOverlap(filter, `${OWN_TOPICS}#`) ? OWN_PROBLEM : undefined;
}

/** Why `filter` is not a valid subscription filter (`$share/group/…` allowed); undefined when it is. */
export function topicFilterProblem(filter: string): string | undefined {
  if (filter.length === 0) return 'a filter must have at least one character';
  const levels = filter.split('/');
  if (levels[0] === '$share') {
    // [MQTT-4.8.2-1, MQTT-4.8.2-2]
    if (levels.length < 3 || levels[1] === '' || levels.slice(2).join('/') === '') {
      return 'a shared filter is written $share/<group>/<filter>';
    }
    if (/[+#]/.test(levels[1]!)) return 'the group of a shared filter may not contain + or #';
    levels.splice(0, 2);
  }
  for (const [i, level] of levels.entries()) {
    if (level === '#' && i !== levels.length - 1) return '# must be the last level'; // [MQTT-4.7.1-1]
    if (level !== '#' && level.includes('#')) return '# must stand alone in its level';
    if (level !== '+' && level.includes('+')) return '+ must stand alone in its level'; // [MQTT-4.7.1-2]
  }
  return textProblem(filter);
}

/** Why `text` cannot be an MQTT string [MQTT 5.0, 1.5.4]; undefined when it can. */
export function textProblem(text: string): string | undefined {
  // eslint-disable-next-line no-control-regex -- U+0000 is what the clause forbids
  if (/\u0000/.test(text)) return 'U+0000 is not allowed'; // [MQTT-4.7.3-2]
  if (!text.isWellFormed()) return 'the text is not well-formed Unicode'; // [MQTT-1.5.4-1]
  if (Buffer.byteLength(text) > TEXT_BYTES_MAX) return `longer than ${TEXT_BYTES_MAX} bytes`;
  return undefined;
}

/** The filter without its `$share/group/` part. */
export function withoutShare(filter: string): string {
  return filter.startsWith('$share/') ? filter.slice(filter.indexOf('/', 7) + 1) : filter;
}

/** Whether `filter` (its share group ignored) matches `topic`. Wildcards do not match a leading `$` [MQTT-4.7.2-1]. */
export function topicMatches(filter: string, topic: string): boolean {
  const wanted = withoutShare(filter).split('/');
  const levels = topic.split('/');
  if (topic.startsWith('$') && (wanted[0] === '+' || wanted[0] === '#')) return false;
  for (const [i, want] of wanted.entries()) {
    if (want === '#') return true;
    if (i >= levels.length) return false;
    if (want !== '+' && want !== levels[i]) return false;
  }
  return wanted.length === levels.length;
}

/** Whether some topic could match both filters. */
export function filtersOverlap(one: string, other: string): boolean {
  const a = withoutShare(one).split('/');
  const b = withoutShare(other).split('/');
  const wild = (level: string | undefined): boolean => level === '+' || level === '#';
  if ((a[0]!.startsWith('$') && wild(b[0])) || (b[0]!.startsWith('$') && wild(a[0]))) return false;
  for (let i = 0; ; i++) {
    if (a[i] === '#' || b[i] === '#') return true;
    // "x/#" also matches "x" [MQTT-4.7.1-2]
    if (i >= a.length || i >= b.length) return a.length === b.length;
    if (a[i] !== b[i] && a[i] !== '+' && b[i] !== '+') return false;
  }
}

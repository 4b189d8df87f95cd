import { withoutShare } from './topic.js';

interface Node<T> {
  children: Map<string, Node<T>>;
  /** Values whose filter ends here. */
  values: T[];
}

/**
 * Finds every value whose filter matches a topic, at a cost that grows with the topic's levels and not
 * with the number of filters. Answers are cached per topic, because a fleet repeats its topics.
 */
export class TopicTrie<T> {
  static readonly CACHED_TOPICS_MAX = 20_000;
  /** Longer topics are looked up each time, so that topics cannot fill the memory. */
  static readonly CACHED_TOPIC_LENGTH_MAX = 512;
  readonly #root: Node<T> = { children: new Map(), values: [] };
  readonly #cache = new Map<string, readonly T[]>();

  add(filter: string, value: T): void {
    let node = this.#root;
    for (const level of withoutShare(filter).split('/')) {
      let child = node.children.get(level);
      if (!child) node.children.set(level, (child = { children: new Map(), values: [] }));
      node = child;
    }
    node.values.push(value);
    this.#cache.clear();
  }

  /** Takes back what {@link add} did once with the same filter and value. */
  remove(filter: string, value: T): void {
    const path = [this.#root];
    const levels = withoutShare(filter).split('/');
    for (const level of levels) {
      const child = path.at(-1)!.children.get(level);
      if (!child) return;
      path.push(child);
    }
    const { values } = path.at(-1)!;
    const place = values.indexOf(value);
    if (place !== -1) values.splice(place, 1);
    for (let depth = levels.length; depth > 0; depth--) {
      const { children, values: left } = path[depth]!;
      if (children.size > 0 || left.length > 0) break;
      path[depth - 1]!.children.delete(levels[depth - 1]!);
    }
    this.#cache.clear();
  }

  /** Each matching value once, in the order in which they were first reached. */
  match(topic: string): readonly T[] {
    const cached = this.#cache.get(topic);
    if (cached) return cached;
    const found = new Set<T>();
    collect(this.#root, topic.split('/'), 0, topic.startsWith('$'), found);
    const values = [...found];
    if (topic.length > TopicTrie.CACHED_TOPIC_LENGTH_MAX) return values;
    if (this.#cache.size >= TopicTrie.CACHED_TOPICS_MAX) this.#cache.clear();
    this.#cache.set(topic, values);
    return values;
  }
}

function collect<T>(node: Node<T>, levels: string[], depth: number, hidden: boolean, found: Set<T>): void {
  const wildcards = depth > 0 || !hidden; // [MQTT-4.7.2-1]
  if (wildcards) for (const value of node.children.get('#')?.values ?? []) found.add(value);
  if (depth === levels.length) {
    for (const value of node.values) found.add(value);
    return;
  }
  const exact = node.children.get(levels[depth]!);
  if (exact) collect(exact, levels, depth + 1, hidden, found);
  const plus = wildcards ? node.children.get('+') : undefined;
  if (plus) collect(plus, levels, depth + 1, hidden, found);
}

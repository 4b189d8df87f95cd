const TOPICS_MAX = 20_000;
/** Longer topics are looked up each time, so that topics cannot fill the memory. */
const TOPIC_LENGTH_MAX = 512;

/** What is computed of a topic's name, kept because a fleet repeats its topics. */
export class TopicCache<T> {
  readonly #known = new Map<string, T>();
  /** Whoever asks about a record asks several times in a row. */
  #lastTopic: string | undefined;
  #last: T | undefined;

  /** @param compute the same topic has the same answer for as long as this lives */
  constructor(private readonly compute: (topic: string) => T) {}

  get(topic: string): T {
    if (topic === this.#lastTopic) return this.#last as T;
    this.#last = this.#find(topic);
    this.#lastTopic = topic;
    return this.#last;
  }

  #find(topic: string): T {
    const known = this.#known.get(topic);
    if (known !== undefined || this.#known.has(topic)) return known as T;
    const found = this.compute(topic);
    if (topic.length > TOPIC_LENGTH_MAX) return found;
    if (this.#known.size >= TOPICS_MAX) this.#known.clear();
    this.#known.set(topic, found);
    return found;
  }
}

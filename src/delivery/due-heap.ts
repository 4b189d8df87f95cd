/** Something that becomes due at a monotonic instant, in milliseconds. */
export interface Due {
  due: number;
  position: number;
}

/** A binary heap: the earliest is found at once, and taken in O(log n). Ties go by position. */
export class DueHeap<T extends Due> {
  #items: T[] = [];

  get length(): number {
    return this.#items.length;
  }

  peek(): T | undefined {
    return this.#items[0];
  }

  push(item: T): void {
    const items = this.#items;
    let i = items.length;
    items.push(item);
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!before(item, items[parent]!)) break;
      items[i] = items[parent]!;
      i = parent;
    }
    items[i] = item;
  }

  /** Lets go of all others. O(n log n). */
  keep(wanted: (item: T) => boolean): void {
    // What is sorted is a heap.
    this.#items = this.#items.filter(wanted).sort((a, b) => (before(a, b) ? -1 : 1));
  }

  pop(): T | undefined {
    const items = this.#items;
    const top = items[0];
    const last = items.pop();
    if (last === undefined || items.length === 0) return top;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= items.length) break;
      if (child + 1 < items.length && before(items[child + 1]!, items[child]!)) child++;
      if (!before(items[child]!, last)) break;
      items[i] = items[child]!;
      i = child;
    }
    items[i] = last;
    return top;
  }
}

function before(a: Due, b: Due): boolean {
  return a.due < b.due || (a.due === b.due && a.position < b.position);
}

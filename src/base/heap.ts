/** A binary heap: the least of many, by a numeric rank given at insertion; equals leave in order of insertion. */
export class Heap<T> {
  readonly #ranks: number[] = [];
  readonly #orders: number[] = [];
  readonly #items: T[] = [];
  #inserted = 0;

  get size(): number {
    return this.#items.length;
  }

  /** The least rank; Infinity when empty. */
  get leastRank(): number {
    return this.#ranks[0] ?? Number.POSITIVE_INFINITY;
  }

  get least(): T | undefined {
    return this.#items[0];
  }

  push(rank: number, item: T): void {
    this.#ranks.push(rank);
    this.#orders.push(this.#inserted++);
    this.#items.push(item);
    this.#rise(this.#items.length - 1);
  }

  pop(): T | undefined {
    const least = this.#items[0];
    const last = this.#items.length - 1;
    if (last < 0) return undefined;
    this.#swap(0, last);
    this.#ranks.pop();
    this.#orders.pop();
    this.#items.pop();
    this.#sink(0);
    return least;
  }

  #before(a: number, b: number): boolean {
    const [rankA = 0, rankB = 0] = [this.#ranks[a], this.#ranks[b]];
    return rankA < rankB || (rankA === rankB && (this.#orders[a] ?? 0) < (this.#orders[b] ?? 0));
  }

  #rise(from: number): void {
    let at = from;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#before(at, parent)) return;
      this.#swap(at, parent);
      at = parent;
    }
  }

  #sink(from: number): void {
    let at = from;
    for (;;) {
      const left = 2 * at + 1;
      if (left >= this.#items.length) return;
      const right = left + 1;
      const child = right < this.#items.length && this.#before(right, left) ? right : left;
      if (!this.#before(child, at)) return;
      this.#swap(at, child);
      at = child;
    }
  }

  #swap(a: number, b: number): void {
    swap(this.#ranks, a, b);
    swap(this.#orders, a, b);
    swap(this.#items, a, b);
  }
}

function swap<T>(list: T[], a: number, b: number): void {
  const kept = list[a] as T;
  list[a] = list[b] as T;
  list[b] = kept;
}

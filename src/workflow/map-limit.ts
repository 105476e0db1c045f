/**
 * Does `act` for every item, at most `limitMax` at a time; results are in the order of the items. After the first
 * error nothing more is begun, and that error is thrown once what is under way has ended.
 */
export async function mapLimit<T, R>(
  items: readonly T[],
  limitMax: number,
  act: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const results: R[] = new Array(items.length);
  let next = 0;
  let failed = false;
  const lane = async (): Promise<void> => {
    while (next < items.length && !failed) {
      const index = next++;
      try {
        results[index] = await act(items[index] as T, index);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  const lanes = Array.from({ length: Math.max(1, Math.min(limitMax, items.length)) }, lane);
  const ended = await Promise.allSettled(lanes);
  for (const one of ended) if (one.status === "rejected") throw one.reason;
  return results;
}

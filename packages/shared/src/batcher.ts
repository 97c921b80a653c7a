/**
 * Lets calls that come together share one statement: while one batch is under way the next one gathers.
 * A lone call goes at once; under load the batches grow by themselves, as a database's group commit does.
 * An optimisation: every call could be made alone with the same result.
 */
export interface BatcherOptions<In, Out> {
  /** One result per item, in order. */
  readonly run: (items: readonly In[]) => Promise<readonly Out[]>;
  /** False: one item may have spoiled it for the others, so each is run again alone. */
  readonly concernsAll: (error: unknown) => boolean;
  readonly maxItems: number;
  /** Batches under way at once. */
  readonly maxBatches: number;
}

interface Call<In, Out> {
  readonly item: In;
  readonly resolve: (result: Out) => void;
  readonly reject: (error: unknown) => void;
}

export function createBatcher<In, Out>(
  options: BatcherOptions<In, Out>,
): (item: In) => Promise<Out> {
  const { run, concernsAll, maxItems, maxBatches } = options;
  const waiting: Call<In, Out>[] = [];
  let underWay = 0;
  let isScheduled = false;

  const runBatch = async (batch: readonly Call<In, Out>[]): Promise<void> => {
    try {
      const results = await run(batch.map(({ item }) => item));
      for (const [index, { resolve }] of batch.entries()) resolve(results[index] as Out);
    } catch (error) {
      if (batch.length === 1 || concernsAll(error)) for (const { reject } of batch) reject(error);
      else await Promise.all(batch.map((call) => runBatch([call])));
    }
  };

  const start = (): void => {
    isScheduled = false;
    while (waiting.length > 0 && underWay < maxBatches) {
      underWay++;
      void runBatch(waiting.splice(0, maxItems)).finally(() => {
        underWay--;
        start();
      });
    }
  };

  return (item) =>
    new Promise<Out>((resolve, reject) => {
      waiting.push({ item, resolve, reject });
      if (isScheduled) return;
      isScheduled = true;
      // Calls of the same turn of the event loop belong together.
      setImmediate(start);
    });
}

/** Sends a signal at once, and what is asked for meanwhile as one more after it. */
export interface Wake {
  (): void;
  /** Resolves when the last signal is sent. */
  idle(): Promise<void>;
}

/** Between two signals of a process: at most 200 rounds a second are asked for. */
const GAP_MS = 5;

export function createWake(send: () => Promise<unknown>, onError: (error: unknown) => void): Wake {
  let isWanted = false;
  let sending: Promise<void> | undefined;

  const sendAll = async (): Promise<void> => {
    while (isWanted) {
      isWanted = false;
      try {
        await send();
      } catch (error) {
        onError(error);
      }
      await new Promise((resolve) => setTimeout(resolve, GAP_MS));
    }
    sending = undefined;
  };
  const wake = (): void => {
    isWanted = true;
    sending ??= sendAll();
  };
  return Object.assign(wake, { idle: async () => sending });
}

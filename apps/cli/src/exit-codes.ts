/** How the command line ends. Scripts branch on these: add to them, never change one. */
export const EXIT = {
  done: 0,
  /** The service said no, or what was asked for went wrong (a delivery that was waited for failed). */
  failed: 1,
  /** The command was not understood; nothing was sent. */
  usage: 2,
  /** No usable answer from the service: the same command may work later. */
  unreachable: 3,
  /** `--timeout` was over before what was waited for. */
  timeout: 4,
  /** Ctrl-C, as a shell counts it: 128 + SIGINT. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export const EXIT_CODES_HELP = `Exit codes:
  0    done
  1    the service refused, or what was asked for failed
  2    wrong usage; nothing was sent
  3    the service is not reachable, or cannot answer now
  4    --timeout was over first
  130  interrupted (tail and listen: ended by Ctrl-C is 0)`;

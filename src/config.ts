/** One variable of the environment: how its text is read, what it is without one, and what it is for. */
interface Variable<Value> {
  default: Value
  description: string
  /** Reads the text; throws an Error whose message says what would be right. */
  read: (text: string) => Value
}

const text = (fallback: string, description: string): Variable<string> => ({
  default: fallback,
  description,
  read: (text) => text,
})

const integer = (
  fallback: number,
  [least, most]: [number, number],
  description: string,
): Variable<number> => ({
  default: fallback,
  description,
  read: (text) => {
    const value = Number(text)
    if (!/^\d+$/.test(text) || value < least || value > most) {
      throw new Error(`must be a whole number from ${least} to ${most}`)
    }
    return value
  },
})

const oneOf = <Choice extends string>(
  fallback: NoInfer<Choice>,
  choices: readonly Choice[],
  description: string,
): Variable<Choice> => ({
  default: fallback,
  description,
  read: (text) => {
    const choice = choices.find((choice) => choice === text)
    if (choice === undefined) throw new Error(`must be one of ${choices.join(', ')}`)
    return choice
  },
})

/** Every variable of the environment that the hook reads for itself. An empty one counts as not set. */
export const variables = {
  HOST: text('127.0.0.1', 'Address to listen on; `0.0.0.0` or `::` for all of them.'),
  PORT: integer(8080, [0, 65535], 'Port to listen on; 0 picks a free one.'),
  LOG_LEVEL: oneOf(
    'info',
    ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'],
    'Lines below this level are not written.',
  ),
  LOG_FORMAT: oneOf(
    'auto',
    ['auto', 'json', 'pretty'],
    '`json`, `pretty`, or `auto`: pretty on a terminal, JSON elsewhere.',
  ),
  BODY_LIMIT: integer(
    4 * 1024 * 1024,
    [1024, 1024 * 1024 * 1024],
    'Largest request body, in bytes; a larger one is answered with 413.',
  ),
  KEEP_ALIVE_TIMEOUT_MS: integer(
    100_000,
    [1000, 3_600_000],
    'How long an idle connection is kept, in ms. Longer than the 90 s for which Metacontroller keeps its own.',
  ),
  MAX_EVENT_LOOP_DELAY_MS: integer(
    1000,
    [0, 60_000],
    'A process whose event loop lags by more than this, in ms, answers 429 with `Retry-After: 1`; 0 switches that off.',
  ),
  SHUTDOWN_DELAY_MS: integer(
    0,
    [0, 6000],
    'How long after SIGTERM new connections are still taken, in ms, with `/readyz` failing already: the time that the cluster takes to stop sending. At most 6000: the end comes that much later, and within 10 s all the same.',
  ),
  CONFIG_DIGEST_KEY_FILE: text(
    '',
    'File with the key of the digests of ConfigMaps and Secrets, at least 32 bytes, the same for all replicas. Without it the digests contain no data of Secrets, and pods roll whenever a Secret that they use changes in any way. To set or change the key rolls the pods of every app with such references.',
  ),
  FORGET_MYAPP_AFTER_MS: integer(
    90_000,
    [1000, 86_400_000],
    'A MyApp that has not been seen for this long, in ms, is no longer counted in the metric `operator.myapps`. Three times `resyncPeriodSeconds` suits.',
  ),
} as const

export type Config = {
  readonly [Name in keyof typeof variables]: ReturnType<(typeof variables)[Name]['read']>
}

/**
 * Reads the configuration from an environment.
 * @throws {Error} with a line for each variable that is wrong: its name, its value, and what would be right.
 */
export function readConfig(environment: Record<string, string | undefined>): Config {
  const problems: string[] = []
  const entries = Object.entries<Variable<unknown>>(variables).map(([name, variable]) => {
    const text = environment[name]
    if (text === undefined || text === '') return [name, variable.default]
    try {
      return [name, variable.read(text)]
    } catch (error) {
      problems.push(`${name}=${text}: ${(error as Error).message}`)
      return [name, undefined]
    }
  })
  if (problems.length > 0) throw new Error(problems.join('\n'))
  return Object.fromEntries(entries) as Config
}

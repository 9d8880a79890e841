/** One variable of the environment. */
interface Variable<Value> {
  default: Value
  description: string
  /** Parses the text. Throws an Error that names the valid values. */
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
      throw new Error(`must be an integer from ${least} to ${most}`)
    }
    return value
  },
})

/** A separate port; 0 picks a free one. Without a value there is no such port. */
const optionalPort = (description: string): Variable<number | undefined> => ({
  ...integer(0, [0, 65535], description),
  default: undefined,
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

/**
 * Every environment variable of the hook, except OTEL_* and POD_RESOURCE_ATTRIBUTES. An empty
 * variable counts as unset. `npm run generate` lists the variables in docs/configuration.md.
 */
export const variables = {
  HOST: text('127.0.0.1', 'Address to listen on. `0.0.0.0` and `::` stand for all addresses.'),
  PORT: integer(8080, [0, 65535], 'Port to listen on. 0 picks a free one.'),
  PROBE_PORT: optionalPort(
    'Port for `/healthz` and `/readyz` over plain HTTP. The kubelet has no client certificate.',
  ),
  ADMISSION_PORT: optionalPort(
    'Port that serves only the webhooks of the API server. It requires no client certificate, ' +
      'because API servers have none. Without this variable `PORT` serves the webhooks.',
  ),
  TLS_CERT_FILE: text(
    '',
    'File with the certificate of the hook in PEM. With this file `PORT` serves HTTPS.',
  ),
  TLS_KEY_FILE: text('', 'File with the private key of `TLS_CERT_FILE` in PEM.'),
  TLS_CLIENT_CA_FILE: text(
    '',
    'File with the CAs of client certificates in PEM. With this file callers need a certificate ' +
      'of one of these CAs.',
  ),
  TLS_CLIENT_NAME: text(
    'metacontroller',
    'The common name or a DNS name that a client certificate must have.',
  ),
  AUTH_TOKEN_FILE: text(
    '',
    'File with one token per line. With this file callers need the header `Authorization: ' +
      'Bearer` with one of the tokens.',
  ),
  LOG_LEVEL: oneOf(
    'info',
    ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'],
    'Lowest level of the log.',
  ),
  LOG_FORMAT: oneOf(
    'auto',
    ['auto', 'json', 'pretty'],
    '`json`, `pretty`, or `auto`: pretty on a terminal, JSON elsewhere.',
  ),
  BODY_LIMIT: integer(
    2 * 1024 * 1024,
    [1024, 1024 * 1024 * 1024],
    'Largest request body in bytes. A larger body is answered with 413. [Other ' +
      'limits](#limits-of-a-request) depend on it.',
  ),
  KEEP_ALIVE_TIMEOUT_MS: integer(
    100_000,
    [1000, 3_600_000],
    'Time in ms after which an idle connection is closed. It must exceed 90 s, for which ' +
      'Metacontroller keeps idle connections.',
  ),
  MAX_EVENT_LOOP_DELAY_MS: integer(
    1000,
    [0, 60_000],
    'Largest delay of the event loop in ms, as a moving average. Above it, requests except ' +
      'probes are answered with 429 and `Retry-After: 1`. 0 sets no limit.',
  ),
  SHUTDOWN_DELAY_MS: integer(
    0,
    [0, 6000],
    'Time in ms, at most 6000, for which the hook accepts connections after SIGTERM. `/readyz` ' +
      'fails meanwhile, so that the cluster stops sending requests. Shutdown takes at most 10 s, ' +
      'including this delay.',
  ),
  CONFIG_DIGEST_KEY_FILE: text(
    '',
    'File with the key of config digests: at least 32 bytes, the same for all replicas. With a ' +
      'key a digest is an HMAC of the used data. Without a key it contains the `resourceVersion` ' +
      'of a Secret instead of the data, so pods roll at every change of a Secret that they use. ' +
      'A new key rolls the pods of every app that uses ConfigMaps or Secrets, unless ' +
      '`rolloutOnConfigChange` is false.',
  ),
  PLATFORM_DEFAULTS_FILE: text(
    '',
    'File with defaults for all MyApps, in YAML: see platform-defaults.md. All replicas need the ' +
      'same file. They read it only at start. A change rolls the pods of the apps that it ' +
      'affects.',
  ),
  WATCH_SECRETS: oneOf(
    'true',
    ['true', 'false'],
    'With `false` the hook requests no Secret from Metacontroller. Then a changed Secret does ' +
      'not roll pods, and a missing Secret is not reported. The component `without-secrets` sets ' +
      'it.',
  ),
  FORGET_MYAPP_AFTER_MS: integer(
    540_000,
    [1000, 86_400_000],
    'Time in ms after which this replica forgets a MyApp without requests. The metrics ' +
      '`operator.myapps`, `operator.deletion_age`, `operator.resource_created` and ' +
      '`operator.resource_deleted` depend on it. Use three times `resyncPeriodSeconds`. If the ' +
      'last request was answered, a MyApp that is Failed or being deleted is forgotten after ' +
      '90 s at the latest.',
  ),
} as const

export type Config = {
  readonly [Name in keyof typeof variables]: ReturnType<(typeof variables)[Name]['read']>
}

/**
 * Reads the configuration from an environment.
 * @throws {Error} with one line for each invalid variable: its name, value and valid values.
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

import { parseArgs, type ParseArgsOptionsConfig } from 'node:util'
import packageJson from '../../package.json' with { type: 'json' }
import { formats, hasFormat } from '../api/formats.ts'
import { didYouMean, quoted } from '../api/messages.ts'

/** The version of the program. */
export const { version } = packageJson

/** The output streams of a command. */
export interface Streams {
  out: (text: string) => void
  err: (text: string) => void
}

/** A mistake of the user. It is reported in one line, with exit code 2. */
export class UserError extends Error {}

/** The baseline of a diff: recorded requests, or the cluster of a kubeconfig context. */
export type Baseline = { recordings: string[] } | { context: string | undefined }

/** The formats of `validate`. */
export const reportFormats = ['text', 'json', 'github', 'junit', 'sarif'] as const
export type ReportFormat = (typeof reportFormats)[number]

/** The formats of `render`. */
export const renderFormats = ['yaml', 'json'] as const

/** The shells that `completion` knows. */
export const shells = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof shells)[number]

/** The files that a command reads. */
export interface FileArguments {
  files: string[]
  recursive: boolean
  namespace: string | undefined
}

/** A command line. */
export type Task =
  | { command: 'help' | 'version' }
  | ({
      command: 'validate'
      output: ReportFormat
      lint: boolean
      defaults: string | undefined
    } & FileArguments)
  | ({
      command: 'render'
      output: 'yaml' | 'json'
      defaults: string | undefined
      baseline: Baseline | undefined
    } & FileArguments)
  | { command: 'adopt'; name: string; namespace: string | undefined; context: string | undefined }
  | {
      command: 'certificates'
      days: number
      ca: string | undefined
      trusted: string[]
      namespace: string
      metacontrollerNamespace: string
    }
  | { command: 'completion'; shell: Shell }

/**
 * The options by their long names. `for` lists the commands that take the option. It is empty if
 * the option works with every command. `isFile` marks options whose value is a file.
 */
export const options = {
  filename: {
    type: 'string',
    short: 'f',
    multiple: true,
    isFile: true,
    for: ['render', 'validate'],
  },
  recursive: { type: 'boolean', short: 'R', for: ['render', 'validate'] },
  namespace: { type: 'string', short: 'n', for: ['render', 'validate', 'adopt', 'certificates'] },
  output: { type: 'string', short: 'o', for: ['render', 'validate'] },
  lint: { type: 'boolean', for: ['validate'] },
  defaults: { type: 'string', isFile: true, for: ['render', 'validate'] },
  diff: { type: 'boolean', for: ['render'] },
  live: { type: 'boolean', for: ['render'] },
  context: { type: 'string', for: ['render', 'adopt'] },
  against: { type: 'string', multiple: true, isFile: true, for: ['render'] },
  days: { type: 'string', for: ['certificates'] },
  ca: { type: 'string', isFile: true, for: ['certificates'] },
  trust: { type: 'string', multiple: true, isFile: true, for: ['certificates'] },
  'metacontroller-namespace': { type: 'string', for: ['certificates'] },
  help: { type: 'boolean', short: 'h', for: [] },
  version: { type: 'boolean', for: [] },
} as const satisfies Record<
  string,
  ParseArgsOptionsConfig[string] & { for: string[]; isFile?: true }
>

/** The commands and their descriptions. */
export const commands = {
  render: 'print the children of a MyApp, or the changes of applying it',
  validate: 'check MyApps in files',
  adopt: 'print the commands that turn a Deployment into a MyApp without downtime',
  certificates: 'print the certificates of the operator and of Metacontroller',
  completion: 'print the completion for a shell: bash, zsh or fish',
} as const

/** The output of --help. */
export const help = `Works with MyApps. Only --live, --context and adopt read from a cluster.

usage:
  myapp-operator render -f FILE [-f FILE…] [options]
      Prints the children of a new MyApp, with the defaults that the API server fills in.
  myapp-operator render -f FILE --diff (--live | --context NAME | --against FILE) [options]
      Prints what applying the files would create, update and delete.
  myapp-operator validate -f FILE [-f FILE…] [--lint] [options]
      Prints every problem as FILE:LINE:COLUMN: FIELD: MESSAGE.
      Rules that span fields are checked when each field is valid.
  myapp-operator adopt deployment/NAME [-n NAMESPACE] [--context NAME]
      Prints the commands that turn a Deployment into a MyApp without downtime.
  myapp-operator certificates [--days N] [--ca FILE] [--trust FILE…] [options]
      Prints Secrets and ConfigMaps for kubectl apply -f -. Prints their expiry dates on stderr.
  myapp-operator completion (bash | zsh | fish)

  -f, --filename FILE   a file of YAML documents or JSON objects, a folder of such files, or - for
                        stdin. ConfigMaps and Secrets in them count as existing. Other kinds are
                        ignored, with a note.
  -R, --recursive       read subfolders too
  -n, --namespace NAME  the namespace of objects without one. Without -n it is that of the
                        kubeconfig (--live, --context, adopt), that of the recording (--against),
                        or default
                        certificates: the namespace of the operator (myapp-operator)
  -o, --output FORMAT   render: yaml or json (yaml)
                        validate: text, json, github, junit or sarif (text)
  --defaults FILE       use the platform defaults in this file; in validate for --lint
  --lint                also warn about valid specs that will not work
  --diff                print the changes to the existing children:
  --live                  in the cluster of your kubeconfig, read with kubectl get
  --context NAME          in the cluster of this context of your kubeconfig
  --against FILE          in a recorded request to /sync; may be repeated
  --days N              how long new certificates are valid (365)
  --ca FILE             use the CA in this file: a printed one, or its Secret from the cluster
  --trust FILE          trust the CA in this file too; may be repeated
  --metacontroller-namespace NAME
                        the namespace of Metacontroller (metacontroller)
  -h, --help            this text
  --version             ${version}

exit code:
  0  render: printed, or no differences. validate: everything is valid, perhaps with warnings.
     adopt, certificates, completion: printed.
  1  render --diff: there are differences. validate: there are problems.
  2  the command failed: a wrong argument, an unreadable file, no MyApp in the files, an error of
     kubectl, a problem of a MyApp in render, or an internal error.
`

/** Reads a command line. Throws a UserError if it is invalid. */
export function readArguments(args: string[]): Task {
  const {
    values,
    positionals: [command, ...more],
  } = parse(args)
  if (values.help || command === 'help') return { command: 'help' }
  if (values.version) return { command: 'version' }
  if (command === undefined) {
    throw new UserError(`missing command: ${Object.keys(commands).join(', ')}. See --help`)
  }
  if (!isOneOf(Object.keys(commands), command)) {
    throw new UserError(
      `unknown command ${quoted(command)} (see --help): use ${Object.keys(commands).join(', ')}` +
        didYouMean(command, Object.keys(commands)),
    )
  }
  for (const [name, { for: allowed }] of Object.entries(options)) {
    if (name in values && !isOneOf(allowed, command)) {
      throw new UserError(
        allowed.length === 1
          ? `--${name} may only be used with ${allowed[0]}`
          : `--${name} may not be used with ${command}`,
      )
    }
  }
  const { namespace, 'metacontroller-namespace': metacontrollerNamespace = 'metacontroller' } =
    values
  for (const [option, name] of [
    ['-n', namespace ?? 'default'],
    ['--metacontroller-namespace', metacontrollerNamespace],
  ] as const) {
    if (name.length > 63) {
      throw new UserError(`${option} must have at most 63 characters, got ${name.length}`)
    }
    if (!hasFormat('namespaceName', name)) {
      throw new UserError(`${option} ${JSON.stringify(name)}: ${formats.namespaceName.message}`)
    }
  }
  switch (command) {
    case 'adopt':
      return {
        command,
        name: deploymentName(more),
        namespace,
        context: values.context,
      }
    case 'completion': {
      const [shell] = more
      if (more.length !== 1 || !isOneOf(shells, shell)) {
        throw new UserError(`completion needs a shell: ${shells.join(', ')}${gotText(more)}`)
      }
      return { command, shell }
    }
    default:
  }
  if (more.length > 0) {
    const remedy = command === 'certificates' ? 'certificates takes none' : 'pass files with -f'
    throw new UserError(`unexpected argument ${JSON.stringify(more[0])}: ${remedy}`)
  }
  if (command === 'certificates') {
    const { days: text = '365' } = values
    const days = /^\d+$/.test(text) ? Number(text) : 0
    if (days < 1 || days > 3650) {
      throw new UserError(`--days must be 1 to 3650, got ${JSON.stringify(text)}`)
    }
    const { ca, trust: trusted = [] } = values
    return {
      command,
      days,
      ca,
      trusted,
      namespace: namespace ?? 'myapp-operator',
      metacontrollerNamespace,
    }
  }
  const files = {
    files: values.filename ?? [],
    recursive: values.recursive ?? false,
    namespace,
  }
  if (files.files.length === 0 || files.files.includes('')) {
    throw new UserError('-f is required: name a file')
  }
  if (command === 'validate') {
    const output = oneOf('-o', values.output ?? 'text', reportFormats)
    const { lint = false, defaults } = values
    if (defaults !== undefined && !lint) throw new UserError('--defaults needs --lint')
    return { command, ...files, output, lint, defaults }
  }
  const output = oneOf('-o', values.output ?? 'yaml', renderFormats)
  return {
    command: 'render',
    ...files,
    output,
    defaults: values.defaults,
    baseline: baseline(values),
  }
}

function parse(args: string[]) {
  try {
    // kubectl reads -o=json as -o json.
    return parseArgs({
      args: args.map((arg) => arg.replace(/^(-[fno])=/, '$1')),
      options,
      allowPositionals: true,
    })
  } catch (error) {
    const [problem = ''] = (error as Error).message.split(/[.\n]/)
    throw new UserError(`${problem}. See --help`)
  }
}

const isOneOf = <Choice extends string>(
  choices: readonly Choice[],
  value: string | undefined,
): value is Choice => choices.some((choice) => choice === value)

function oneOf<Choice extends string>(
  option: string,
  value: string,
  choices: readonly Choice[],
): Choice {
  if (isOneOf(choices, value)) return value
  throw new UserError(`${option} ${value}: must be ${choices.join(' or ')}`)
}

/** The end of a message about arguments. */
const gotText = (args: string[]) => (args.length === 0 ? '' : `, got ${quoted(args.join(' '))}`)

/** The name in `deployment/NAME`, or in `deployment NAME`. */
function deploymentName(args: string[]): string {
  const name = /^deploy(?:ment)?s?(?:\.apps)?\/([^/]+)$/.exec(args.join('/'))?.[1]
  if (name === undefined) {
    throw new UserError(`adopt needs the Deployment: deployment/NAME${gotText(args)}`)
  }
  if (!hasFormat('myAppName', name)) {
    throw new UserError(
      `a MyApp cannot have the name ${JSON.stringify(name)}: ${formats.myAppName.message}`,
    )
  }
  return name
}

function baseline({
  diff = false,
  live = false,
  context,
  against: recordings = [],
}: {
  diff?: boolean | undefined
  live?: boolean | undefined
  context?: string | undefined
  against?: string[] | undefined
}): Baseline | undefined {
  const isLive = live || context !== undefined
  if (!diff) {
    if (isLive || recordings.length > 0) {
      throw new UserError('--live, --context and --against need --diff')
    }
    return undefined
  }
  if (isLive === recordings.length > 0) {
    throw new UserError('--diff needs either --live or --context NAME, or --against FILE')
  }
  return isLive ? { context } : { recordings }
}

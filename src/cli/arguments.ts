import { parseArgs, type ParseArgsOptionsConfig } from 'node:util'
import { formats, hasFormat } from '../api/formats.ts'
import { UserError } from './usage.ts'

/** Where what is there is read from: requests that were recorded, or a cluster. */
export type Baseline = { recordings: string[] } | { context: string | undefined }

/** What a command line asks for. */
export type Task =
  | { does: 'help' | 'version' }
  | { does: 'validate'; files: string[]; recursive: boolean; namespace: string | undefined }
  | {
      does: 'render'
      files: string[]
      recursive: boolean
      namespace: string | undefined
      output: 'yaml' | 'json'
      baseline: Baseline | undefined
    }

const options = {
  filename: { type: 'string', short: 'f', multiple: true, default: [] },
  recursive: { type: 'boolean', short: 'R', default: false },
  namespace: { type: 'string', short: 'n' },
  output: { type: 'string', short: 'o' },
  diff: { type: 'boolean', default: false },
  live: { type: 'boolean', default: false },
  context: { type: 'string' },
  against: { type: 'string', multiple: true, default: [] },
  help: { type: 'boolean', short: 'h', default: false },
  version: { type: 'boolean', default: false },
} satisfies ParseArgsOptionsConfig

/** Reads a command line; a UserError says what is wrong with it. */
export function readArguments(args: string[]): Task {
  const {
    values,
    positionals: [does, ...more],
  } = parse(args)
  if (values.help || does === 'help') return { does: 'help' }
  if (values.version) return { does: 'version' }
  const { filename: files, recursive, namespace, output = 'yaml' } = values
  if (does !== 'render' && does !== 'validate') {
    throw new UserError(
      does === undefined
        ? 'render or validate? See --help'
        : `${does} is not a command: render and validate are. See --help`,
    )
  }
  if (more.length > 0) throw new UserError(`what is ${more.join(' ')}? Files go with -f`)
  if (files.length === 0 || files.includes('')) throw new UserError('-f is missing: which file?')
  if (namespace !== undefined && !hasFormat('namespaceName', namespace)) {
    throw new UserError(`-n ${JSON.stringify(namespace)}: ${formats.namespaceName.message}`)
  }
  if (does === 'validate') {
    if (values.diff || values.live || values.context !== undefined || values.against.length > 0) {
      throw new UserError('--diff, --live, --context and --against go with render')
    }
    if (values.output !== undefined) throw new UserError('-o goes with render')
    return { does, files, recursive, namespace }
  }
  if (output !== 'yaml' && output !== 'json') {
    throw new UserError(`-o ${output}: must be yaml or json`)
  }
  return { does, files, recursive, namespace, output, baseline: baseline(values) }
}

function parse(args: string[]) {
  try {
    // kubectl takes -o=json as -o json.
    return parseArgs({
      args: args.map((arg) => arg.replace(/^(-[fno])=/, '$1')),
      options,
      allowPositionals: true,
    })
  } catch (error) {
    throw new UserError(
      (error as Error).message.replace(/\. To specify a positional argument.*/s, ''),
    )
  }
}

function baseline({
  diff,
  live,
  context,
  against: recordings,
}: {
  diff: boolean
  live: boolean
  context?: string | undefined
  against: string[]
}): Baseline | undefined {
  const isLive = live || context !== undefined
  if (!diff) {
    if (isLive || recordings.length > 0) {
      throw new UserError('--live, --context and --against go with --diff')
    }
    return undefined
  }
  if (isLive === recordings.length > 0) {
    throw new UserError('--diff needs either --live or --against')
  }
  return isLive ? { context } : { recordings }
}

import type { CustomizeRequest, HookRequest } from '../myapp/request.ts'

/** The hooks that Metacontroller calls. */
export type HookName = 'sync' | 'finalize' | 'customize'

/** What a call was about and what it was answered, for those who tell of it afterwards. */
export interface Outcome {
  request: HookRequest | CustomizeRequest
  response: unknown
  /** How long it took from the parsed request to the written answer. */
  handledMs: number
}

/** Why a call was not answered with 200, in words that may leave the process: no value of the request, no path of a file. */
export interface Failure {
  /** A word from a small set: the class or code of an error. */
  type: string
  message: string
  /** The functions that the error passed through, for one that is a bug. */
  frames?: string
}

declare module 'fastify' {
  interface FastifyContextConfig {
    hook?: HookName
  }
  interface FastifyRequest {
    outcome: Outcome | undefined
    failure: Failure | undefined
  }
}

/** The functions in the stack of an error, with their files' names and lines. Its message is not among them: it could quote a value. */
export function stackFrames(error: Error): string {
  const frames = (error.stack ?? '')
    .split('\n')
    .map((line) => /^\s+at (?:(.*) \()?(?:.*[/\\])?([^/\\]+?)\)?$/.exec(line))
  return frames
    .flatMap((frame) =>
      frame === null
        ? []
        : [frame[1] === undefined ? `    at ${frame[2]}` : `    at ${frame[1]} (${frame[2]})`],
    )
    .join('\n')
}

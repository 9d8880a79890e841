import { type HookRequest, inconsistency } from '../myapp/request.ts'
import { hookRequestValidator } from '../myapp/compiled.ts'
import { readText } from './source.ts'
import { UserError } from './usage.ts'

/** Reads a request to /sync that was recorded. */
export function readRecording(file: string): HookRequest {
  const request = parse(file)
  if (!hookRequestValidator(request)) {
    const [error] = hookRequestValidator.errors ?? []
    throw new UserError(
      `${file} is not a request to /sync: ${error?.instancePath.slice(1) || 'it'} ${error?.message}`,
    )
  }
  const objection = inconsistency(request)
  if (objection !== undefined) {
    throw new UserError(`${file} is not a request to /sync: ${objection}`)
  }
  return request
}

function parse(file: string): unknown {
  const text = readText(file)
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new UserError(`${file} is not a request to /sync: ${(error as Error).message}`)
  }
}

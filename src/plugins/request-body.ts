import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { IncomingMessage } from 'node:http'
import type { Config } from '../config.ts'
import { maxLevels, structureOf } from '../metacontroller/json.ts'
import { Overloaded, refusal } from './errors.ts'

/**
 * Reads JSON bodies in bounded memory. V8 aborts the process at its heap limit, and a parsed body
 * such as `[{},{},…` takes 20 times its length in the heap. So the structure of a body is counted
 * before the body is parsed.
 */

/** The number of bytes of BODY_LIMIT per allowed structural character (`{ [ , :`). */
const bytesPerCharacter = 16
/** The minimum for a small BODY_LIMIT. */
const minCharacters = 20_000

const LengthRequired = refusal('411', 'the Content-Length header is required', 411)
const BodyTooLarge = refusal<[limit: number, length: number]>(
  'FST_ERR_CTP_BODY_TOO_LARGE',
  'the body must be at most %d bytes (see BODY_LIMIT), got %d',
  413,
)
const BodyTooComplex = refusal<[limit: number, characters: number]>(
  'BODY_TOO_COMPLEX',
  'the body must have at most %d of the characters "{[,:" outside strings (see BODY_LIMIT), got %d',
  413,
)
const BodyTooDeep = refusal<[levels: number]>(
  'BODY_TOO_DEEP',
  `the body must be at most ${maxLevels} levels deep, got %d`,
  413,
)
const BodyIncomplete = refusal('ECONNRESET', 'the caller disconnected before it was answered', 400)
const EmptyBody = refusal('FST_ERR_CTP_EMPTY_JSON_BODY', 'the body is empty', 400)
const InvalidJson = refusal('FST_ERR_CTP_INVALID_JSON_BODY', 'the body is not JSON', 400)

/** The most structural characters that a body may have. */
export const maxStructure = ({ BODY_LIMIT }: Config) =>
  Math.max(minCharacters, Math.floor(BODY_LIMIT / bytesPerCharacter))

/** Reads bodies of content type application/json only, in bounded memory. */
export function readJsonBodies(server: FastifyInstance, config: Config): void {
  const limit = config.BODY_LIMIT
  const maxCharacters = maxStructure(config)
  server.removeAllContentTypeParsers()
  server.addContentTypeParser('application/json', (call, payload, done) => {
    if (call.headers['transfer-encoding'] !== undefined) return done(new LengthRequired())
    // Without both headers there is no body.
    const length = Number(call.headers['content-length'] ?? 0)
    if (length > limit) return done(new BodyTooLarge(limit, length))
    if (length === 0) return done(new EmptyBody())
    readAll(call, payload, length, (error, body) => {
      if (body === undefined) return done(error)
      const { characters, levels } = structureOf(body)
      if (characters > maxCharacters) return done(new BodyTooComplex(maxCharacters, characters))
      if (levels > maxLevels) return done(new BodyTooDeep(levels))
      if (!call.memory.parsing(characters)) return done(new Overloaded())
      const text = body.toString()
      free(body)
      try {
        done(null, JSON.parse(text))
      } catch {
        done(new InvalidJson())
      }
    })
  })
}

/**
 * Reads a body of the given length. Stops early if the caller disconnects or the memory is full.
 */
function readAll(
  call: FastifyRequest,
  payload: IncomingMessage,
  length: number,
  done: (error: Error | null, body?: Buffer<ArrayBuffer>) => void,
): void {
  // A separate ArrayBuffer can be freed at once. The system allocates its pages as bytes arrive.
  const body = Buffer.allocUnsafeSlow(length)
  let received = 0
  const finish = (error: Error | null) => {
    payload.off('data', onData).off('end', onEnd).off('error', onError)
    // The stream of a refused body can still emit an error.
    payload.on('error', () => {})
    if (error === null) return done(null, body)
    free(body)
    done(error)
  }
  const onData = (chunk: Buffer) => {
    received += chunk.copy(body, received)
    call.memory.receiving(chunk.length, () => {
      finish(new Overloaded())
    })
  }
  const onEnd = () => {
    finish(received === length ? null : new BodyIncomplete())
  }
  const onError = () => {
    finish(new BodyIncomplete())
  }
  payload.on('data', onData).on('end', onEnd).on('error', onError)
}

/**
 * Frees the memory of a body at once. Garbage collection would free it only after the next bodies
 * have arrived.
 */
function free(body: Buffer<ArrayBuffer>): void {
  body.buffer.transfer(0)
}

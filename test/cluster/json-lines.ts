import { closeSync, openSync, readSync } from 'node:fs'
import { StringDecoder } from 'node:string_decoder'

/** Follows a log of JSON objects, one a line: each call gives all that are in it by now. */
export function followJsonLines<Line> (file: string): () => readonly Line[] {
  const lines: Line[] = []
  const decoder = new StringDecoder('utf8')
  const buffer = Buffer.alloc(1 << 16)
  let position = 0
  let rest = ''
  return () => {
    const descriptor = openSync(file, 'a+')
    try {
      for (let length; (length = readSync(descriptor, buffer, 0, buffer.length, position)) > 0;) {
        position += length
        const complete = (rest + decoder.write(buffer.subarray(0, length))).split('\n')
        rest = complete.pop() ?? ''
        for (const line of complete) if (line.startsWith('{')) lines.push(JSON.parse(line) as Line)
      }
    } finally {
      closeSync(descriptor)
    }
    return lines
  }
}

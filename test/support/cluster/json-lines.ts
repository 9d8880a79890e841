import { closeSync, openSync, readSync } from 'node:fs'
import { StringDecoder } from 'node:string_decoder'

/** Follows a file of JSON objects, one per line. Each call returns all lines so far. */
export function followJsonLines<Line>(file: string): () => readonly Line[] {
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

/**
 * Like followJsonLines, but each call returns the lines of one group. Without an argument, it
 * returns the lines that have no group.
 */
export function followJsonLinesOf<Line>(
  file: string,
  groupOf: (line: Line) => string | undefined,
): (group?: string) => readonly Line[] {
  const follow = followJsonLines<Line>(file)
  const groups = new Map<string | undefined, Line[]>()
  let grouped = 0
  return (group) => {
    const lines = follow()
    for (const line of lines.slice(grouped)) {
      const known = groups.get(groupOf(line))
      if (known === undefined) groups.set(groupOf(line), [line])
      else known.push(line)
    }
    grouped = lines.length
    return groups.get(group) ?? []
  }
}

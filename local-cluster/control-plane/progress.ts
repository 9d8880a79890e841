import { stripVTControlCharacters } from 'node:util'

/** Reports one line. The next line may replace a `progress` line. */
export type Report = (line: string, progress?: 'progress') => void

/** Reports to a stream. On a terminal, progress is one line that changes. */
export function reportTo(stream: NodeJS.WriteStream): Report {
  if (!stream.isTTY) {
    return (line) => {
      stream.write(`${line}\n`)
    }
  }
  return (line, progress) => {
    const text = progress
      ? stripVTControlCharacters(line).slice(0, stream.columns - 1)
      : `${line}\n`
    stream.write(`\r\u001B[2K${text}`)
  }
}

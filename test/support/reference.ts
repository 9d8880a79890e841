import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { ensureReference } from '../../local-cluster/control-plane/build.ts'
import { reportTo } from '../../local-cluster/control-plane/progress.ts'

/** The result of kubectl for a file: its documents, or its error. */
export interface KubectlReading {
  documents: unknown[]
  error: string
}

/** The three versions of an object that Argo CD compares: last applied, in the file, and live. */
export interface ArgoComparison {
  original: object
  config: object
  live: object
}

/** Runs Go libraries that kubectl and Argo CD use. Builds the program in `go/`, which needs Go. */
export async function openReference() {
  const command = join(await ensureReference(reportTo(process.stderr)), 'reference')
  const ask = (questions: object[]): unknown[] => {
    const { error, status, stdout } = spawnSync(command, {
      input: questions.map((question) => `${JSON.stringify(question)}\n`).join(''),
      encoding: 'utf8',
      maxBuffer: 1024 ** 3,
    })
    if (error !== undefined || status !== 0) throw error ?? new Error(`reference: exit ${status}`)
    const answers = stdout.trim().split('\n')
    if (answers.length !== questions.length) throw new Error('reference: an answer is missing')
    return answers.map((answer) => JSON.parse(answer) as unknown)
  }
  return {
    /** Reads files as kubectl does. A file is a buffer, or a string in UTF-8. */
    read: (files: Array<string | Buffer>) =>
      ask(
        files.map((file) => ({ file: Buffer.from(file as string).toString('base64') })),
      ) as KubectlReading[],
    /** Compares as gitops-engine's ThreeWayDiff does. */
    compare: (comparisons: ArgoComparison[]) =>
      ask(comparisons) as Array<{ patch: object; outOfSync: boolean; error: string }>,
  }
}

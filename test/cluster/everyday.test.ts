import { underEachStrategy } from './cluster.ts'
import { commandLine } from './scenarios/command-line.ts'
import { createAndChange } from './scenarios/create-and-change.ts'
import { drift } from './scenarios/drift.ts'
import { finalize } from './scenarios/finalize.ts'
import { nameConflict } from './scenarios/name-conflict.ts'
import { noWrite } from './scenarios/no-write.ts'
import { status } from './scenarios/status.ts'

underEachStrategy((t, cluster) => {
  // Those that wait for somebody else come first.
  for (const scenarios of [noWrite, finalize, nameConflict, status, drift, createAndChange, commandLine]) scenarios(t, cluster)
})

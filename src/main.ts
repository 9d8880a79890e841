import { runOperator } from './operator.ts'

await runOperator()

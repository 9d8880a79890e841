import { underEachStrategy } from './cluster.ts'
import { routing } from './scenarios/routing.ts'

underEachStrategy(routing)

import { underEachStrategy } from './cluster.ts'
import { invalidSpec } from './scenarios/invalid-spec.ts'

// By itself, since it changes the CRD that all of a cluster have.
underEachStrategy(invalidSpec)

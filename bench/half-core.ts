import { mkdirSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Half a core, as in the manifest's limit of 500m: 50 ms of each 100 ms. */
const quota = { 'cpu.cfs_period_us': 100_000, 'cpu.cfs_quota_us': 50_000 }

/** A control group whose processes together get half a core. */
export interface HalfCore {
  /** The shell command that moves a shell into the group. */
  enter: string
  /** Removes the group. Its processes must have ended. */
  remove: () => void
}

/**
 * Creates the group, by cgroup v1 or v2. It has priority over other processes of the machine, so
 * that they hardly disturb a measurement. Throws an error without root.
 */
export function halfCore(): HalfCore {
  const name = `myapp-operator-bench-${process.pid}`
  const [v1, v2] = [join('/sys/fs/cgroup/cpu', name), join('/sys/fs/cgroup', name)]
  try {
    mkdirSync(v1)
    for (const [file, value] of Object.entries({ ...quota, 'cpu.shares': 262_144 })) {
      writeFileSync(join(v1, file), String(value))
    }
    return { enter: `echo $$ > ${v1}/cgroup.procs`, remove: () => rmdirSync(v1) }
  } catch {}
  mkdirSync(v2)
  const { 'cpu.cfs_period_us': period, 'cpu.cfs_quota_us': most } = quota
  writeFileSync(join(v2, 'cpu.max'), `${most} ${period}`)
  writeFileSync(join(v2, 'cpu.weight'), '10000')
  return { enter: `echo $$ > ${v2}/cgroup.procs`, remove: () => rmdirSync(v2) }
}

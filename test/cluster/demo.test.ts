import t from 'tap'
import { ensureControlPlane } from '../../local-cluster/control-plane/build.ts'
import { runProgram } from '../../local-cluster/control-plane/processes.ts'
import { manifest } from '../support/cluster/install.ts'

t.setTimeout(120_000)
t.test('the demo runs an app until it is Running, and deletes it', async (t) => {
  await ensureControlPlane((line) => t.comment(line))
  const { code, stdout, stderr } = await runProgram({
    command: process.execPath,
    args: [manifest('demo/demo.ts'), '--once'],
    cwd: manifest('.'),
  })
  t.equal(code, 0, stderr)
  t.match(stdout, /demo-app +3\/3 +Running +AllReplicasAvailable/)
  t.match(stdout, 'demo-app was Running. It is gone, with its Deployment and its Service.')
})

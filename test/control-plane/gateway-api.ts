import { join } from 'node:path'
import { type ControlPlane } from './boot.ts'
import { waitUntilEstablished } from './kubectl.ts'
import { runProgram } from './processes.ts'

const folder = join(import.meta.dirname, 'gateway-api')

/** Installs the kinds of the Gateway API, from its Go module. */
export async function installGatewayApi ({ kubectl }: Pick<ControlPlane, 'kubectl'>): Promise<void> {
  const { code, stdout, stderr } = await runProgram({ command: 'go', args: ['mod', 'download', '-json', 'sigs.k8s.io/gateway-api'], cwd: folder, env: { ...process.env, GOWORK: 'off' } })
  if (code !== 0) throw new Error(`The Gateway API could not be fetched: ${(stderr || stdout).trim()}`)
  const { Dir } = JSON.parse(stdout) as { Dir: string }
  const files = ['gatewayclasses', 'gateways', 'httproutes'].flatMap(kind => ['-f', join(Dir, `config/crd/standard/gateway.networking.k8s.io_${kind}.yaml`)])
  await kubectl(['apply', '--server-side', ...files])
  await waitUntilEstablished(kubectl, files)
}

import packageJson from '../../package.json' with { type: 'json' }

/** The version of the program. */
export const { version } = packageJson

/** What --help prints. */
export const help = `Tells what a MyApp is made of, without a cluster.

usage:
  myapp-operator render -f FILE [-f FILE…] [options]
      Prints the children that a new MyApp gets, after the API server has filled in the defaults.
  myapp-operator render -f FILE --diff (--live | --against REQUEST) [options]
      Tells what applying the files would create, update and delete.
  myapp-operator validate -f FILE [-f FILE…] [options]
      Prints what is wrong, as FILE:LINE:COLUMN: FIELD: MESSAGE; what does not fit together once each field does.

  -f, --filename FILE   a file with one or more documents in YAML or JSON, a folder of them, or - for stdin;
                        ConfigMaps and Secrets in them count as there, other kinds are left out
  -R, --recursive       folders with the folders in them
  -n, --namespace NAME  the namespace of documents that name none (default)
  -o, --output FORMAT   yaml or json (yaml)
  --diff                compare with what is there:
  --live                  the cluster of your kubeconfig, read with kubectl get
  --context NAME          the cluster of this context of your kubeconfig
  --against FILE          a request to /sync that was recorded; may be given more than once
  -h, --help            this
  --version             ${version}

exit code:
  0  render: printed, or no differences. validate: all is valid.
  1  render --diff: there are differences. validate: there are problems.
  2  it could not be done: a wrong argument, a file that can't be read, no MyApp in the files, kubectl failed;
     a problem of a MyApp in render; whatever else goes wrong.
`

/** What goes wrong through no fault of the program: told in one line, exit code 2. */
export class UserError extends Error {}

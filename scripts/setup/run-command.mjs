import { spawn } from 'node:child_process'

/** @typedef {{ readonly ok: boolean, readonly output: string }} CommandResult */

const stillRunningEveryMs = 10_000

/**
 * Runs a command until it ends. With a `label`, prints it and then the elapsed time at intervals.
 *
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ label?: string, env?: NodeJS.ProcessEnv, cwd?: string, argv0?: string, timeoutMs?: number }} [options]
 * @returns {Promise<CommandResult>}
 */
export function runCommand(command, args, { label, env = process.env, cwd, argv0, timeoutMs } = {}) {
  const start = Date.now()
  const seconds = () => `${Math.round((Date.now() - start) / 1_000)} s`
  if (label !== undefined) console.log(`${label} …`)
  const ticker = setInterval(() => label !== undefined && console.log(`  … ${seconds()}`), stillRunningEveryMs)
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env, cwd, argv0, timeout: timeoutMs })
    // Ctrl-C reaches the whole process group; a SIGTERM sent only to this process is forwarded.
    const pass = () => void child.kill('SIGTERM')
    process.once('SIGTERM', pass)
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text))
    /** @param {boolean} ok */
    const finish = (ok) => {
      clearInterval(ticker)
      process.off('SIGTERM', pass)
      if (label !== undefined && ok) console.log(`  done in ${seconds()}`)
      resolve({ ok, output })
    }
    child.once('error', () => finish(false))
    child.once('close', (code) => finish(code === 0))
  })
}

/**
 * The end of an output, for an error message.
 *
 * @param {string} output
 */
export function lastLines(output) {
  return output.trimEnd().split('\n').slice(-15).join('\n')
}

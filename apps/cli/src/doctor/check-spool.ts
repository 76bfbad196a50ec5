import { access, constants, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { ok, problem, warning, type Check, type Finding } from './finding.ts'

const littleRoom = 256 * 1024 * 1024

/** The spool's directory, on the machine where doctor runs. */
export const checkSpool: Check = {
  name: 'spool',
  async run({ spoolDir }) {
    if (spoolDir === undefined)
      return [
        warning(
          'SPOOL_DIR is not set: without it, an ingress answers 503 while Redis is unreachable',
          'Set SPOOL_DIR to a directory on a local disk, a different one for each ingress.',
        ),
      ]
    try {
      await access(spoolDir, constants.W_OK)
    } catch {
      return [
        problem(`${spoolDir} is not writable`, 'Create it and make it writable for the user that runs the ingress.'),
      ]
    }
    const { bavail, bsize } = await statfs(spoolDir)
    return [assessRoom(spoolDir, bavail * bsize), ok(`the spool uses ${await sizeOf(spoolDir)} KiB`)]
  },
}

function assessRoom(directory: string, freeBytes: number): Finding {
  const message = `${directory} has ${Math.round(freeBytes / 2 ** 20)} MiB free`
  return freeBytes >= littleRoom
    ? ok(message)
    : warning(message, 'Free up disk space: the ingress depends on the spool while Redis is unreachable.')
}

async function sizeOf(directory: string): Promise<number> {
  const names = ['spool.sqlite', 'spool.sqlite-wal']
  const sizes = await Promise.all(
    names.map((name) =>
      stat(join(directory, name)).then(
        ({ size }) => size,
        // Missing until the first ingress has started.
        () => 0,
      ),
    ),
  )
  return Math.round(sizes.reduce((sum, size) => sum + size, 0) / 1_024)
}

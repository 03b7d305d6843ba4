import type { PodContainer } from './objects.ts'

/** Why a container does not come up: it ends again and again, its image or its settings are not to be had. */
export type Trouble = 'crash' | 'image' | 'config'

/** What keeps a container from running at this moment; null where nothing does. */
export const troubleOf = ({ waiting }: PodContainer): Trouble | null => troubles[waiting] ?? null

const troubles: Readonly<Record<string, Trouble>> = {
  CrashLoopBackOff: 'crash',
  RunContainerError: 'crash',
  ImagePullBackOff: 'image',
  ErrImagePull: 'image',
  ErrImageNeverPull: 'image',
  InvalidImageName: 'image',
  CreateContainerConfigError: 'config',
  CreateContainerError: 'config',
}

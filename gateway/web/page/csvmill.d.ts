/** The types of csvmill.js, the client of csvmill for web pages. */

/** What to compute: the JSON of docs/aggregation.md. */
export interface Aggregation {
  [member: string]: unknown;
}

export interface Settings {
  /** The address of the service; by default where the document is. */
  url?: string | URL;
  /** An API key, which is sent as a header and kept nowhere. */
  key?: string | null;
  /** Called when the service needs a key that it was not given; null gives up. */
  askForKey?: () => Promise<string | null>;
}

export interface UploadOptions {
  /** What to compute; by default the sum of plays by song and date. Not with `job: false`. */
  aggregation?: Aggregation | null;
  /** The name of the file on the service. */
  name?: string;
  /** Whether the file becomes a job when it has arrived. */
  job?: boolean;
  /** Cancels the upload. */
  signal?: AbortSignal;
}

/** `waiting`: for the service or the connection; it continues by itself. */
export type UploadState = "sending" | "waiting" | "paused" | "done" | "failed" | "cancelled";

export interface Sent {
  uploadId: string;
  /** null for an upload with `job: false`. */
  jobId: string | null;
}

/** Dispatches `progress` when `sent` or `state` has changed. */
export interface Upload extends EventTarget {
  readonly id: string;
  readonly state: UploadState;
  /** Bytes of the file. */
  readonly size: number;
  /** Bytes that were stored, or have left. */
  readonly sent: number;
  /** Rejected with `errors.Problem` or `errors.Stopped`, or an `AbortError` if it is cancelled. */
  readonly done: Promise<Sent>;
  pause(): void;
  resume(): void;
  /** Ends the upload, and removes from the service what has arrived. */
  cancel(): Promise<void>;
}

export interface Question {
  /** Ids or names of uploads that are complete, in order. */
  inputs: readonly string[];
  aggregation: Aggregation;
  /** The name under which the job is listed. */
  name?: string;
}

/** A job as `GET /api/v1/jobs/{id}` shows it (docs/api.md); its other members are there too. */
export interface Job {
  id: string;
  state: "PENDING" | "STARTED" | "RETRY" | "SUCCESS" | "FAILURE" | "REVOKED" | (string & {});
  /** Why it failed. */
  reason: string | null;
  filename: string;
  result: { size: number; sha256: string; rows_in: number | null; rows_out: number } | null;
  [member: string]: unknown;
}

/** What an event tells of a job. */
export interface JobEvent {
  id: string;
  state: string;
  bytes_done: number;
  bytes_total: number;
  rows_done: number | null;
  percent: number;
  /** Seconds. */
  eta: number | null;
}

export interface FollowOptions {
  onProgress?: (event: JobEvent) => void;
  signal?: AbortSignal;
}

export interface DownloadOptions {
  onProgress?: (bytes: number, size: number) => void;
  signal?: AbortSignal;
}

/** A service. A page uses one at a time: the latest one that was made. */
export interface Csvmill {
  /** Sends a file in chunks, four at a time, however often the connection breaks. */
  upload(file: File, options?: UploadOptions): Upload;
  /** Asks a question about files that the service has. */
  ask(question: Question, options?: { signal?: AbortSignal }): Promise<Job>;
  job(id: string, options?: { signal?: AbortSignal }): Promise<Job>;
  /** Follows a job to its end, and returns it. */
  follow(id: string, options?: FollowOptions): Promise<Job>;
  /** Returns the result, compared with its SHA-256: for results that fit into memory. */
  download(job: Job, options?: DownloadOptions): Promise<Blob>;
  /** Writes the result into a stream, as of a file, and closes it when its SHA-256 is right. */
  downloadTo(
    job: Job,
    stream: WritableStream<Uint8Array>,
    options?: DownloadOptions,
  ): Promise<void>;
}

export const Csvmill: new (settings?: Settings) => Csvmill;

/** The errors that are thrown. */
export const errors: Readonly<{
  /** An answer with an error (RFC 9457), or none (`status` 0). */
  Problem: new (...parameters: never[]) => Error & { status: number; type: string; detail: string };
  /** Why an upload cannot go on. */
  Stopped: new (...parameters: never[]) => Error & { trouble: string; detail: string };
  /** What was downloaded is not what the service has. */
  Damaged: new (...parameters: never[]) => Error;
}>;

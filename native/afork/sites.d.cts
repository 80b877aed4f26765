/**
 * Loading it is all: while `forktax sites` listens, it is told which line of JavaScript started each child of this thread.
 * `observe` does that again, after another library has replaced functions of child_process.
 */
export declare function observe(): void;

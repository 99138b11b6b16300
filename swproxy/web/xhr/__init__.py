"""XMLHttpRequest Standard, the parts that workers have: FormData and ProgressEvent."""

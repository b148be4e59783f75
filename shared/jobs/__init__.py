"""Jobs: values, reports, and the store on SQL."""

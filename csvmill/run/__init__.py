"""`csvmill run`: aggregate a file and write the result; an interrupted run can be continued."""
